#### a mixin's method => RubyLLM::Chat#user method
module Talks
  def chat = RubyLLM.chat
end
class Llm
  include Talks
  def go = chat.user("x")
end

#### with_options => RubyLLM::Chat#with_options method
RubyLLM.chat.with_options(temperature: 1)

#### through a list that is kept => RubyLLM::Chat#user method
chats = [RubyLLM.chat]
chats.first.user("x")

#### through a hash => RubyLLM::Chat#user method
chats = { a: RubyLLM.chat }
chats[:a].user("x")

#### without a receiver in a subclass => RubyLLM::Chat#user method
class MyChat < RubyLLM::Chat
  def go = user("x")
end
