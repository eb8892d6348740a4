require "test_helper"

class MessagesControllerTest < ActionDispatch::IntegrationTest
  test "answers with Turbo Streams: both messages, a fresh composer" do
    stub_answer "Hello"
    submit "Hi"

    assert_response :success
    assert_equal "text/vnd.turbo-stream.html", response.media_type
    assert_select "turbo-stream[action=append][target=messages] li", 2
    assert_select "turbo-stream[action=remove][target=welcome]"
    assert_select "turbo-stream[action=replace][target=composer] textarea", ""
  end

  test "without Turbo it redirects to the page" do
    stub_answer "Hello"
    post messages_path, params: { prompt: { content: "Hi" } }

    assert_redirected_to root_path
  end

  test "refuses a blank message without asking the provider" do
    submit " "

    assert_response :unprocessable_content
    assert_select "turbo-stream[target=composer]", /can.t be blank/
    assert_not_requested :post, OpenRouterStubs::COMPLETIONS
  end

  test "a request without a prompt is a bad request" do
    post messages_path

    assert_response :bad_request
  end

  test "a provider error leaves the text in the composer and a notice above it" do
    stub_failure 500
    submit "Hi"

    assert_response :bad_gateway
    assert_select "turbo-stream[target=notice] [role=alert]", /could not answer/
    assert_select "turbo-stream[target=composer] textarea", "Hi"
    assert_select "turbo-stream[target=messages]", 0
  end

  test "a rate limit says that the model is busy" do
    stub_failure 429
    submit "Hi"

    assert_response :service_unavailable
    assert_select "[role=alert]", /busy/
  end

  test "a refused key is a matter of configuration" do
    stub_failure 401
    submit "Hi"

    assert_response :service_unavailable
    assert_select "[role=alert]", /OPENROUTER_API_KEY/
  end

  test "a time-out is a failure too" do
    stub_request(:post, OpenRouterStubs::COMPLETIONS).to_timeout
    submit "Hi"

    assert_response :bad_gateway
    assert_select "[role=alert]"
  end

  test "an answer that is not JSON is a failure too" do
    stub_request(:post, OpenRouterStubs::COMPLETIONS).to_return(body: "<html>gateway</html>", headers: { "content-type": "text/html" })
    submit "Hi"

    assert_response :bad_gateway
    assert_select "[role=alert]"
  end

  test "without Turbo a failure shows the whole page" do
    stub_failure 500
    post messages_path, params: { prompt: { content: "Hi" } }

    assert_response :bad_gateway
    assert_select "#notice [role=alert]"
    assert_select "textarea", "Hi"
  end

  test "what the model writes is escaped" do
    stub_answer "<script>alert(1)</script>"
    submit "Hi"

    assert_no_match(/<script>alert/, response.body)
    assert_match(/&lt;script&gt;alert/, response.body)
  end

  test "a forged request is refused" do
    with_forgery_protection do
      post messages_path, params: { prompt: { content: "Hi" } }
    end

    assert_response :unprocessable_content
  end

  private

  def submit(content)
    post messages_path, params: { prompt: { content: } }, as: :turbo_stream
  end

  def with_forgery_protection
    ActionController::Base.allow_forgery_protection = true
    yield
  ensure
    ActionController::Base.allow_forgery_protection = false
  end
end
