# OpenRouter's side of the wire, for tests that run the real gem.
module OpenRouterStubs
  COMPLETIONS = "https://openrouter.ai/api/v1/chat/completions"

  def stub_answer(content)
    stub_request(:post, COMPLETIONS).to_return_json(
      body: {
        id: "gen-1", object: "chat.completion", model: Assistant::MODEL,
        choices: [ { index: 0, finish_reason: "stop", message: { role: "assistant", content: } } ],
        usage: { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 }
      }
    )
  end

  def stub_failure(status, message: "no luck")
    stub_request(:post, COMPLETIONS).to_return_json(status:, body: { error: { message:, code: status } })
  end

  # The messages of the n-th request so far, as [role, text] pairs.
  def sent_messages(number)
    bodies = []
    WebMock::RequestRegistry.instance.requested_signatures.each { |signature, count| count.times { bodies << signature.body } }
    JSON.parse(bodies.fetch(number)).fetch("messages").map { |message| [ message["role"], text_of(message["content"]) ] }
  end

  private

  def text_of(content)
    content.is_a?(Array) ? content.map { |part| part["text"] }.join : content
  end
end
