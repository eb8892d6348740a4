module ApplicationHelper
  def page_title
    content_for(:title) || "Chat"
  end
end
