require "test_helper"

class MessagesHelperTest < ActionView::TestCase
  test "names the author" do
    assert_equal "You", author_name(Message.from_user("Hi"))
    assert_equal "Assistant", author_name(Message.from_assistant("Hello"))
  end

  test "user and assistant stand on different sides" do
    assert_match(/ml-auto/, message_classes(Message.from_user("Hi")))
    assert_match(/mr-auto/, message_classes(Message.from_assistant("Hello")))
  end
end
