require "simplecov"
SimpleCov.start "rails" do
  enable_coverage :branch
  minimum_coverage 90 if ENV["CI"]
end

ENV["RAILS_ENV"] ||= "test"
ENV["OPENROUTER_API_KEY"] = "test-key"

require_relative "../config/environment"
require "rails/test_help"
require "webmock/minitest"

Dir[File.join(__dir__, "support", "**", "*.rb")].each { |file| require file }

# A test that reaches for the real provider fails instead of spending money.
WebMock.disable_net_connect!

module ActiveSupport
  class TestCase
    include OpenRouterStubs

    teardown { Rails.cache.clear }
  end
end
