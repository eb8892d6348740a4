require "test_helper"

class ConversationTest < ActiveSupport::TestCase
  test "starts empty" do
    assert_empty Conversation.new
  end

  test "adding leaves the original as it was" do
    conversation = Conversation.new
    longer = conversation.add(Message.from_user("Hi"))

    assert_empty conversation
    assert_equal [ "Hi" ], longer.messages.map(&:content)
  end

  test "survives dump and load" do
    conversation = Conversation.new(turns(2))

    assert_equal conversation.messages, Conversation.load(conversation.dump).messages
  end

  test "loads nothing as an empty conversation" do
    assert_empty Conversation.load(nil)
  end

  test "keeps the newest messages up to the cap" do
    conversation = Conversation.new(turns(Conversation::MAX_MESSAGES))

    assert_equal Conversation::MAX_MESSAGES, conversation.messages.size
    assert_equal "answer #{Conversation::MAX_MESSAGES}", conversation.messages.last.content
  end

  test "keeps its characters under the cap and starts with the user" do
    long = "x" * (Conversation::MAX_CHARACTERS / 3)
    conversation = Conversation.new(4.times.flat_map { [ Message.from_user(long), Message.from_assistant(long) ] })

    assert_equal %w[ user assistant ], conversation.messages.map(&:role)
  end

  private

  def turns(count)
    (1..count).flat_map { |n| [ Message.from_user("question #{n}"), Message.from_assistant("answer #{n}") ] }
  end
end
