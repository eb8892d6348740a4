# Code that makes sure of the API before it uses it, or has another way.

#### respond_to?
chat = RubyLLM.chat(model: "anthropic/claude-sonnet-4")
response = chat.ask("Hi")
response.respond_to?(:text) ? response.text : response.content

#### respond_to? with a modifier
chat = RubyLLM.chat(model: "anthropic/claude-sonnet-4")
response = chat.ask("Hi")
response.text if response.respond_to?(:text)

#### an early return
def go
  r = RubyLLM.chat.ask('x')
  return r.content unless r.respond_to?(:text)
  r.text
end

#### is_a?
chat = RubyLLM.chat(model: "anthropic/claude-sonnet-4")
response = chat.ask("Hi")
response.is_a?(Hash) ? response[:text] : response.content

#### case
chat = RubyLLM.chat(model: "anthropic/claude-sonnet-4")
response = chat.ask("Hi")
case response
when Hash then response[:text]
else response.content
end

#### and
chat = RubyLLM.chat(model: "anthropic/claude-sonnet-4")
response = chat.ask("Hi")
response.respond_to?(:text) && response.text

#### defined?
RubyLLM::Gateway.start if defined?(RubyLLM::Gateway)

#### rescue with another way
def go(c = RubyLLM.chat)
  c.user('x')
rescue NoMethodError
  c.ask('x')
end

#### rescue NameError with a value
def go
  RubyLLM::Gateway
rescue NameError
  nil
end

#### rescue modifier
chat = RubyLLM.chat(model: "anthropic/claude-sonnet-4")
response = chat.ask("Hi")
response.text rescue response.content
