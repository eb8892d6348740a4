require "test_helper"

class AssistantTest < ActiveSupport::TestCase
  test "returns the text of the answer" do
    assert_equal "Hello", Assistant.new(client: FakeLLM.new(answer: "  Hello\n")).reply_to("Hi")
  end

  test "asks for the pinned model at OpenRouter" do
    chat = chat_after_reply
    assert_equal "anthropic/claude-sonnet-4.6", chat.model
    assert_equal :openrouter, chat.options[:provider]
    assert chat.options[:assume_model_exists]
  end

  test "takes another model" do
    llm = FakeLLM.new
    Assistant.new(client: llm, model: "anthropic/claude-opus-4.6").reply_to("Hi")

    assert_equal "anthropic/claude-opus-4.6", llm.chats.sole.model
  end

  test "gives the system prompt" do
    assert_equal Assistant::INSTRUCTIONS, chat_after_reply.instructions
  end

  test "replays the history before it asks" do
    chat = chat_after_reply(history: [ Message.from_user("I am Ada"), Message.from_assistant("Hello Ada") ])

    assert_equal %i[ user assistant user assistant ], chat.messages.map(&:role)
    assert_equal [ "I am Ada", "Hello Ada", "Who am I?" ], chat.messages.first(3).map(&:content)
  end

  test "every call gets a chat of its own" do
    llm = FakeLLM.new
    assistant = Assistant.new(client: llm)
    2.times { assistant.reply_to("Hi") }

    assert_equal 2, llm.chats.size
  end

  test "without a key it does not call the provider" do
    llm = FakeLLM.new(api_key: nil)

    assert_not_predicate Assistant.new(client: llm), :configured?
    assert_raises(Assistant::NotConfigured) { Assistant.new(client: llm).reply_to("Hi") }
    assert_empty llm.chats
  end

  {
    RubyLLM::ConfigurationError => Assistant::NotConfigured,
    RubyLLM::UnauthorizedError => Assistant::NotConfigured,
    RubyLLM::PaymentRequiredError => Assistant::NotConfigured,
    RubyLLM::RateLimitError => Assistant::Busy,
    RubyLLM::OverloadedError => Assistant::Busy,
    RubyLLM::ContextLengthExceededError => Assistant::TooLong,
    RubyLLM::ServerError => Assistant::Unavailable,
    Faraday::TimeoutError => Assistant::Unavailable,
    Faraday::ConnectionFailed => Assistant::Unavailable,
    Errno::ECONNREFUSED => Assistant::Unavailable,
    NoMethodError => Assistant::Unavailable
  }.each do |raised, failure|
    test "#{raised} becomes #{failure}" do
      error = assert_raises(failure) { Assistant.new(client: FakeLLM.new(error: raised.new("inner detail"))).reply_to("Hi") }

      assert_no_match(/inner detail/, error.message)
      assert_equal I18n.t(failure.reason, scope: "assistant.failures"), error.message
      assert_instance_of raised, error.cause
    end
  end

  test "an empty answer is a failure" do
    assert_raises(Assistant::Unavailable) { Assistant.new(client: FakeLLM.new(answer: " ")).reply_to("Hi") }
  end

  private

  def chat_after_reply(history: [])
    llm = FakeLLM.new
    Assistant.new(client: llm).reply_to("Who am I?", history:)
    llm.chats.sole
  end
end
