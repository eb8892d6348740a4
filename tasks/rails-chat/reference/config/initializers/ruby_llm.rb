# The key comes from the environment and from nowhere else. Without it the page says so instead of failing.
RubyLLM.configure do |config|
  config.openrouter_api_key = ENV["OPENROUTER_API_KEY"].presence
  config.openrouter_api_base = ENV["OPENROUTER_API_BASE"].presence # nil: the gem's own address
  config.request_timeout = 60
  config.max_retries = 1
  config.logger = Rails.logger
end
