class ApplicationController < ActionController::Base
  protect_from_forgery with: :exception

  private

  def conversations
    @conversations ||= ConversationStore.new
  end

  def conversation_id
    session[:conversation_id] ||= SecureRandom.uuid
  end
end
