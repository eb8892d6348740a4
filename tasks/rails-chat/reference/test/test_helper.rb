require "simplecov"
SimpleCov.start "rails" do
  enable_coverage :branch
  minimum_coverage 90 if ENV["CI"]
end

ENV["RAILS_ENV"] ||= "test"

require_relative "../config/environment"
require "rails/test_help"
require "webmock/minitest"

Dir[File.join(__dir__, "support", "**", "*.rb")].each { |file| require file }

# The same provider settings whatever the environment of whoever runs the tests.
RubyLLM.configure do |config|
  config.openrouter_api_key = "test-key"
  config.openrouter_api_base = nil
  config.max_retries = 0
end

# A test that reaches for the real provider fails instead of spending money.
WebMock.disable_net_connect!

module ActiveSupport
  class TestCase
    include OpenRouterStubs

    teardown { Rails.cache.clear }
  end
end
