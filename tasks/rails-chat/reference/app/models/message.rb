# One turn of a conversation, by the user or by the assistant.
class Message < Data.define(:role, :content)
  ROLES = %w[ user assistant ].freeze

  def self.from_user(content) = new(role: "user", content:)
  def self.from_assistant(content) = new(role: "assistant", content:)

  def initialize(role:, content:)
    raise ArgumentError, "unknown role #{role.inspect}" unless ROLES.include?(role.to_s)

    super(role: role.to_s, content: content.to_s)
  end

  def from_user? = role == "user"

  # Rails renders a message through messages/_message.
  def to_partial_path = "messages/message"
end
