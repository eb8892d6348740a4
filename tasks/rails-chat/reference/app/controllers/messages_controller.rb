class MessagesController < ApplicationController
  rescue_from Assistant::Failure, with: :render_failure

  def create
    @prompt = Prompt.new(prompt_params)
    return render_page(:unprocessable_content) if @prompt.invalid?

    @messages = SendMessage.new(store: conversations).call(conversation_id:, content: @prompt.content)
    respond_to do |format|
      format.turbo_stream
      format.html { redirect_to root_path, status: :see_other }
    end
  end

  private

  def prompt_params
    params.expect(prompt: [ :content ])
  end

  def render_failure(failure)
    @failure = failure
    render_page(failure.http_status)
  end

  # The answer to a prompt that came to nothing: the text stays in the composer, the reason stands above it.
  def render_page(status)
    respond_to do |format|
      format.turbo_stream { render :failure, status: }
      format.html do
        @conversation = conversations.find(conversation_id)
        render "conversations/show", status:
      end
    end
  end
end
