/** The failures that a fault may cause: 502, 503 and 504 on `routes`, and lost connections to the gateway. */
export type AllowedFailures = { routes?: RegExp; connections?: boolean }

/**
 * The time during which a fault was present, in ms since 1970. It has no `to` while it lasts. `failures` counts failed requests
 * by status or error, `responses` the others; `maxMs` is the slowest request of that time.
 */
export type FaultWindow = {
  label: string
  allowed: AllowedFailures
  from: number
  to?: number
  failures: Record<string, number>
  maxMs: number
  responses: number
}

/** Records which fault was present when. */
export type FaultWindows = {
  open(label: string, allowed: AllowedFailures): FaultWindow
  close(window: FaultWindow): void
  /** The windows that overlap this time. */
  during(from: number, to: number): FaultWindow[]
  all(): readonly FaultWindow[]
}

export const createFaultWindows = (): FaultWindows => {
  const windows: FaultWindow[] = []
  return {
    open: (label, allowed) => {
      const window: FaultWindow = { label, allowed, from: Date.now(), failures: {}, maxMs: 0, responses: 0 }
      windows.push(window)
      return window
    },
    close: (window) => {
      window.to = Date.now()
    },
    during: (from, to) =>
      windows.filter((window) => window.from <= to && (window.to ?? Number.POSITIVE_INFINITY) >= from),
    all: () => windows,
  }
}
