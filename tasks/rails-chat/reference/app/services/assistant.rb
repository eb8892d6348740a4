# The one place that talks to the model. `client` is RubyLLM, or what stands in for it in tests.
class Assistant
  MODEL = "anthropic/claude-sonnet-4.6"
  PROVIDER = :openrouter
  INSTRUCTIONS = <<~TEXT.freeze
    You are a helpful assistant in a web chat. Answer in the language of the question.
    Be accurate and brief; say so when you do not know. Write plain text without HTML.
  TEXT

  # What can go wrong, in the user's words. The message is shown on the page, the cause goes to the log.
  class Failure < StandardError
    class << self
      attr_reader :reason, :http_status

      def because(reason, http_status)
        @reason = reason
        @http_status = http_status
      end
    end

    def initialize(message = I18n.t(self.class.reason, scope: "assistant.failures")) = super

    def http_status = self.class.http_status
  end

  class NotConfigured < Failure
    because :not_configured, :service_unavailable
  end

  class Busy < Failure
    because :busy, :service_unavailable
  end

  class TooLong < Failure
    because :too_long, :content_too_large
  end

  class Unavailable < Failure
    because :unavailable, :bad_gateway
  end

  def initialize(client: RubyLLM, model: MODEL, instructions: INSTRUCTIONS)
    @client = client
    @model = model
    @instructions = instructions
  end

  def configured?
    @client.config.openrouter_api_key.present?
  end

  # The model's answer to `prompt` after the turns in `history`, as a String. Raises a Failure where there is none.
  def reply_to(prompt, history: [])
    raise NotConfigured unless configured?

    answer = complete(prompt, history)
    raise Unavailable if answer.empty?

    answer
  end

  private

  def complete(prompt, history)
    chat = @client.chat(model: @model, provider: PROVIDER, assume_model_exists: true)
    chat.with_instructions(@instructions)
    history.each { |message| chat.add_message(role: message.role.to_sym, content: message.content) }
    response = chat.ask(prompt)
    response.content.to_s.strip
  rescue RubyLLM::ConfigurationError, RubyLLM::UnauthorizedError, RubyLLM::ForbiddenError, RubyLLM::PaymentRequiredError => error
    fail_with NotConfigured, error
  rescue RubyLLM::RateLimitError, RubyLLM::OverloadedError => error
    fail_with Busy, error
  rescue RubyLLM::ContextLengthExceededError => error
    fail_with TooLong, error
  rescue RubyLLM::Error, Faraday::Error => error
    fail_with Unavailable, error
  rescue StandardError => error # sockets and time-outs, and answers of a shape on which the gem itself trips
    fail_with Unavailable, error
  end

  def fail_with(failure, cause)
    Rails.logger.error("Assistant: #{failure.reason}: #{cause.class}: #{cause.message.to_s.truncate(300)}")
    raise failure
  end
end
