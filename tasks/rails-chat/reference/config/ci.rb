# What bin/ci runs; .github/workflows/ci.yml runs the same steps.
CI.run do
  step "Setup", "bin/setup --skip-server"
  step "Style: Ruby", "bin/rubocop"
  step "Security: gems", "bin/bundler-audit check --update"
  step "Security: JavaScript", "bin/importmap audit"
  step "Security: application", "bin/brakeman --quiet --no-pager --exit-on-warn --exit-on-error"
  step "Tests", "bin/rails test"
end
