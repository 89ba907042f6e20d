/** What a fault may cost while it lasts: answers 502, 503 and 504 on these routes, and connections to the gateway. */
export type Cost = { routes?: RegExp; connections?: boolean }

/** A fault's time, in milliseconds since 1970; without `to` it lasts. `failures` counts what it cost; `longestMs` is of requests that met it. */
export type Window = {
  label: string
  cost: Cost
  from: number
  to?: number
  failures: Record<string, number>
  longestMs: number
  answered: number
}

/** What happened when. */
export type Windows = {
  open(label: string, cost: Cost): Window
  close(window: Window): void
  /** Those that lasted at some moment of the time. */
  during(from: number, to: number): Window[]
  all(): readonly Window[]
}

export const createWindows = (): Windows => {
  const windows: Window[] = []
  return {
    open: (label, cost) => {
      const window: Window = { label, cost, from: Date.now(), failures: {}, longestMs: 0, answered: 0 }
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
