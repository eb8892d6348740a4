require "test_helper"

class ConversationsControllerTest < ActionDispatch::IntegrationTest
  test "the root is the chat page" do
    get root_path

    assert_response :success
    assert_select "#messages"
    assert_select "form[action='#{messages_path}'] textarea[name='prompt[content]']"
    assert_select "#welcome button", MessagesHelper::SUGGESTIONS.size
    assert_select "[role=alert]", 0
  end

  test "says so when the key is missing" do
    without_key { get root_path }

    assert_response :success
    assert_select "[role=alert]", /OPENROUTER_API_KEY/
  end

  test "shows the conversation again after a reload" do
    stub_answer "Hello Ada"
    post messages_path, params: { prompt: { content: "I am Ada" } }
    get root_path

    assert_select "#messages li[data-role=user] p", "I am Ada"
    assert_select "#messages li[data-role=assistant] p", "Hello Ada"
    assert_select "#welcome", 0
  end

  test "a new chat forgets the old one" do
    stub_answer "Hello"
    post messages_path, params: { prompt: { content: "Hi" } }
    delete conversation_path

    assert_redirected_to root_path
    follow_redirect!
    assert_select "#messages li", 0
  end

  test "sends a content security policy whose nonce the import map carries" do
    get root_path
    policy = response.headers["content-security-policy"]

    assert_match(/default-src 'self'/, policy)
    assert_select "script[type=importmap][nonce]" do |(script)|
      assert_includes policy, "'nonce-#{script["nonce"]}'"
    end
  end

  private

  def without_key
    key = RubyLLM.config.openrouter_api_key
    RubyLLM.config.openrouter_api_key = nil
    yield
  ensure
    RubyLLM.config.openrouter_api_key = key
  end
end
