import { Problem } from '@clientele/platform/runtime/problem'
import { gauge, histogram } from '@clientele/platform/runtime/telemetry'

/** `waitMs`: how long the work may wait for its turn. `patient` work lets all other work go first. */
export type TurnOptions = { signal?: AbortSignal; waitMs?: number; patient?: boolean }

/** One image at a time. */
export type ImageLane = {
  /** @throws Problem 503 when too many wait or the wait is too long; the signal's reason when it aborts before the turn */
  run<T>(work: () => Promise<T>, options?: TurnOptions): Promise<T>
  /** @throws Problem 503 where `images` more, one after the other, would take longer than work may wait */
  check(images: number): void
}

type Waiting = { start: () => void; patient: boolean }

// Not all at the same moment again.
const scattered = (ms: number): number => ms * (1 + Math.random() / 2)

const busyProblem = (againMs: number): Problem => {
  const seconds = Math.min(Math.ceil(scattered(Math.max(againMs, 4_000)) / 1_000), 60)
  const headers = { 'Retry-After': String(seconds) }
  return new Problem('unavailable', { detail: 'too many images are being worked on', headers })
}

/**
 * Decoded images are large: a lane bounds memory to one of them, whoever asks. `waitMs` leaves time for the work itself before
 * the gateway gives up waiting for an answer.
 */
export const createImageLane = ({
  maxWaiting,
  waitMs: usualWaitMs = 15_000,
}: {
  maxWaiting: number
  waitMs?: number
}): ImageLane => {
  const waiting: Waiting[] = []
  let busy = false
  // How long an image takes, lately.
  let usualMs = 0
  const seconds = histogram('media_image_seconds', 'Work on one image, without its waiting')
  gauge('media_images_waiting', 'Images that wait to be worked on', [], function () {
    this.set(waiting.length)
  })

  const turn = ({ signal, waitMs = usualWaitMs, patient = false }: TurnOptions): Promise<void> =>
    new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', giveUp)
        const at = waiting.indexOf(entry)
        if (at !== -1) waiting.splice(at, 1)
      }
      const giveUp = () => {
        leave()
        reject(signal?.aborted ? signal.reason : busyProblem(waiting.length * usualMs))
      }
      const start = () => {
        leave()
        resolve()
      }
      const entry = { start, patient }
      const timer = setTimeout(giveUp, waitMs)
      signal?.addEventListener('abort', giveUp)
      waiting.push(entry)
    })

  return {
    check: (images) => {
      const ms = images * usualMs
      if (ms > usualWaitMs) throw busyProblem(ms - usualWaitMs / 2)
    },
    run: async (work, options = {}) => {
      options.signal?.throwIfAborted()
      if (busy && waiting.length >= maxWaiting) throw busyProblem(waiting.length * usualMs)
      if (busy) await turn(options)
      busy = true
      const from = performance.now()
      try {
        return await work()
      } finally {
        const ms = performance.now() - from
        seconds.observe(ms / 1000)
        usualMs += (ms - usualMs) / 8
        const next = waiting.find(({ patient }) => !patient) ?? waiting[0]
        if (next) next.start()
        else busy = false
      }
    },
  }
}
