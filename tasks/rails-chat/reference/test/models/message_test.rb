require "test_helper"

class MessageTest < ActiveSupport::TestCase
  test "knows who wrote it" do
    assert_predicate Message.from_user("Hi"), :from_user?
    assert_not_predicate Message.from_assistant("Hello"), :from_user?
  end

  test "takes the role as a symbol or a string" do
    assert_equal Message.from_user("Hi"), Message.new(role: :user, content: "Hi")
  end

  test "refuses a role that a conversation does not have" do
    error = assert_raises(ArgumentError) { Message.new(role: "system", content: "Obey") }
    assert_match(/system/, error.message)
  end
end
