require "test_helper"

class SendMessageTest < ActiveSupport::TestCase
  setup do
    @store = ConversationStore.new
    @id = SecureRandom.uuid
  end

  test "keeps question and answer and returns both" do
    turn = send_message("Hi", FakeLLM.new(answer: "Hello"))

    assert_equal [ Message.from_user("Hi"), Message.from_assistant("Hello") ], turn
    assert_equal turn, @store.find(@id).messages
  end

  test "the second turn carries the first" do
    send_message("I am Ada", FakeLLM.new(answer: "Hello Ada"))
    llm = FakeLLM.new
    send_message("Who am I?", llm)

    assert_equal [ "I am Ada", "Hello Ada", "Who am I?" ], llm.chats.sole.messages.first(3).map(&:content)
  end

  test "a failure leaves the history as it was" do
    send_message("Hi", FakeLLM.new)

    assert_no_difference -> { @store.find(@id).messages.size } do
      assert_raises(Assistant::Busy) { send_message("Again", FakeLLM.new(error: RubyLLM::RateLimitError.new("slow down"))) }
    end
  end

  private

  def send_message(content, llm)
    SendMessage.new(assistant: Assistant.new(client: llm), store: @store).call(conversation_id: @id, content:)
  end
end
