import { Problem } from '@clientele/platform/problem'
import { gauge } from '@clientele/platform/telemetry'

/** `waitMs`: how long the work may wait for its turn. `patient` work lets all other work go first. */
export type TurnOptions = { signal?: AbortSignal; waitMs?: number; patient?: boolean }

/** One image at a time. */
export type ImageLane = {
  /** @throws Problem 503 when too many wait or the wait is too long; the signal's reason when it aborts before the turn */
  run<T>(work: () => Promise<T>, options?: TurnOptions): Promise<T>
}

type Waiting = { start: () => void; patient: boolean }

const busyProblem = (): Problem =>
  new Problem('unavailable', { detail: 'too many images are being worked on', headers: { 'Retry-After': '5' } })

/** Decoded images are large: a lane bounds memory to one of them, whoever asks. */
export const createImageLane = ({
  maxWaiting,
  waitMs: usualWaitMs = 60_000,
}: {
  maxWaiting: number
  waitMs?: number
}): ImageLane => {
  const waiting: Waiting[] = []
  let busy = false
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
        reject(signal?.aborted ? signal.reason : busyProblem())
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
    run: async (work, options = {}) => {
      options.signal?.throwIfAborted()
      if (busy && waiting.length >= maxWaiting) throw busyProblem()
      if (busy) await turn(options)
      busy = true
      try {
        return await work()
      } finally {
        const next = waiting.find(({ patient }) => !patient) ?? waiting[0]
        if (next) next.start()
        else busy = false
      }
    },
  }
}
