import { Controller } from "@hotwired/stimulus"

// Keeps the end of the thread in view when messages arrive.
export default class extends Controller {
  connect() {
    this.observer = new MutationObserver(() => this.toEnd())
    this.observer.observe(this.element, { childList: true, subtree: true })
    this.toEnd()
  }

  disconnect() {
    this.observer.disconnect()
  }

  toEnd() {
    this.element.scrollTop = this.element.scrollHeight
  }
}
