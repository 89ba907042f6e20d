/** Wakes one who waits. Many rings between two waits are one; a ring during the work is not lost. */
export type Bell = {
  ring(): void
  /** Ends a wait that is under way, and is forgotten where there is none. */
  nudge(): void
  /** Whether it rang since it was asked last. */
  rang(): boolean
  /** Resolves when it has rung and nobody asked yet, when it is nudged, or after `ms`. */
  wait(ms: number): Promise<void>
}

export const createBell = (): Bell => {
  let rung = false
  let answer = () => {}
  return {
    ring: () => {
      rung = true
      answer()
    },
    nudge: () => answer(),
    rang: () => {
      const was = rung
      rung = false
      return was
    },
    wait: (ms) =>
      new Promise((resolve) => {
        if (rung) return resolve()
        const timer = setTimeout(() => answer(), ms)
        answer = () => {
          clearTimeout(timer)
          answer = () => {}
          resolve()
        }
      }),
  }
}
