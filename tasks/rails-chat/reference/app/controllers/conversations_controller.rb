class ConversationsController < ApplicationController
  def show
    @conversation = conversations.find(conversation_id)
    @prompt = Prompt.new
    @failure = Assistant::NotConfigured.new unless Assistant.new.configured?
  end

  def destroy
    conversations.delete(conversation_id)
    session.delete(:conversation_id)
    redirect_to root_path, status: :see_other
  end
end
