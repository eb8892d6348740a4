require "test_helper"

class PartialsTest < ActionView::TestCase
  helper MessagesHelper

  test "a message is escaped and keeps its line breaks" do
    html = render_partial("messages/message", message: Message.from_assistant("<b>one</b>\ntwo"))

    assert_equal "<b>one</b>\ntwo", html.at_css("p").text
    assert_nil html.at_css("p b")
    assert_includes html.at_css("p")["class"], "whitespace-pre-wrap"
  end

  test "the composer shows what was wrong" do
    prompt = Prompt.new(content: "")
    prompt.validate
    html = render_partial("messages/composer", prompt:)

    assert_match(/can.t be blank/, html.text)
    assert_equal "true", html.at_css("textarea")["aria-invalid"]
  end

  test "a failure is announced" do
    html = render_partial("shared/failure", failure: Assistant::Busy.new)

    assert_match(/busy/, html.at_css("[role=alert]").text)
  end

  test "an empty thread welcomes" do
    html = render_partial("conversations/thread", conversation: Conversation.new)

    assert html.at_css("#welcome")
    assert_equal "scroll", html.at_css("section")["data-controller"]
  end

  private

  def render_partial(name, **locals)
    Nokogiri::HTML5.fragment(render(partial: name, locals:))
  end
end
