import { Controller } from "@hotwired/stimulus"

// The box at the foot of the page: Enter sends, the box grows with its text, and nothing can be sent twice
// while an answer is under way. After an answer the server replaces the box with an empty one.
export default class extends Controller {
  static targets = ["input", "submit", "pending", "hint"]

  inputTargetConnected(input) {
    this.grow()
    input.focus()
  }

  grow() {
    const input = this.inputTarget
    input.style.height = "auto"
    input.style.height = `${input.scrollHeight}px`
  }

  sendOnEnter(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return

    event.preventDefault()
    if (!this.submitTarget.disabled && this.inputTarget.value.trim() !== "") {
      this.inputTarget.form.requestSubmit()
    }
  }

  suggest({ params: { text } }) {
    this.inputTarget.value = text
    this.grow()
    this.inputTarget.focus()
  }

  wait() {
    this.#pending(true)
  }

  resume() {
    this.#pending(false)
  }

  #pending(waiting) {
    this.submitTarget.disabled = waiting
    this.inputTarget.readOnly = waiting
    this.pendingTarget.classList.toggle("hidden", !waiting)
    if (this.hasHintTarget) this.hintTarget.classList.toggle("hidden", waiting)
  }
}
