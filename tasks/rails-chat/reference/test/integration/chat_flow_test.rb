require "test_helper"

# The whole way through the real gem: only HTTP is replaced.
class ChatFlowTest < ActionDispatch::IntegrationTest
  test "two turns: system prompt, history and question reach the provider" do
    stub_answer "Hello Ada"
    say "I am Ada"
    stub_answer "You are Ada"
    say "Who am I?"

    roles = sent_messages(1).map(&:first)
    assert_includes %w[ system developer ], roles.first
    assert_equal %w[ user assistant user ], roles.drop(1)
    assert_equal [ Assistant::INSTRUCTIONS, "I am Ada", "Hello Ada", "Who am I?" ], sent_messages(1).map(&:last)
  end

  test "key and model are on the wire" do
    stub_answer "Hello"
    say "Hi"

    assert_requested(:post, OpenRouterStubs::COMPLETIONS) do |request|
      assert_equal "Bearer test-key", request.headers["Authorization"]
      assert_equal Assistant::MODEL, JSON.parse(request.body)["model"]
    end
  end

  test "after a failure the next message is answered, without the failed one" do
    stub_failure 500
    say "Lost"
    WebMock.reset_executed_requests!
    stub_answer "Hello"
    say "Hi"

    assert_response :success
    assert_equal %w[ Hi ], sent_messages(0).drop(1).map(&:last)
  end

  test "nobody sees another browser's conversation" do
    stub_answer "Hello"
    say "My secret plan"

    open_session do |stranger|
      stranger.get root_path
      assert_no_match(/secret plan/, stranger.response.body)
    end
  end

  test "the cookie stays small however long the conversation is" do
    5.times do |n|
      stub_answer "x" * 5_000
      say "question #{n}"
    end

    assert_operator response.headers["set-cookie"].to_s.bytesize, :<, 2_000
  end

  private

  def say(content)
    post messages_path, params: { prompt: { content: } }, as: :turbo_stream
  end
end
