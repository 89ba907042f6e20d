import { Problem } from '@clientele/platform/runtime/problem'
import { gauge, histogram } from '@clientele/platform/runtime/telemetry'

/** `waitMs`: how long the work may wait for its turn. `lowPriority`: all other work goes first. */
export type WaitOptions = { signal?: AbortSignal; waitMs?: number; lowPriority?: boolean }
/** `userId`: the user whose image it is. */
type WorkOptions = WaitOptions & { userId: string }

/** Runs work on images, one image at a time, in turns of the users whose images they are. */
export type ImageQueue = {
  /** @throws Problem 503 if too many wait, or if the wait is too long; the reason of `signal` if it aborts before the turn */
  run<T>(work: () => Promise<T>, options: WorkOptions): Promise<T>
  /** @throws Problem 503 if `images` more images would take longer than work may wait by default */
  assertCapacity(images: number): void
}

type Waiter = { start: () => void; lowPriority: boolean; userId: string }

// Clients that are refused together must not all come back at the same moment.
const withJitter = (ms: number): number => ms * (1 + Math.random() / 2)

const busyProblem = (retryAfterMs: number): Problem => {
  const seconds = Math.min(Math.ceil(withJitter(Math.max(retryAfterMs, 4_000)) / 1_000), 60)
  const headers = { 'Retry-After': String(seconds) }
  return new Problem('unavailable', { detail: 'too many images are being processed', headers })
}

/**
 * A decoded image can take hundreds of megabytes, so a process works on one image at a time. The queue is a semaphore with one
 * permit, two priorities, and turns:
 *
 * - **free**: nothing runs and nothing waits. `run` starts the work at once.
 * - **busy**: one work runs. `run` waits for its turn. It is refused with 503 if `maxWaiting` others wait already, or
 *   when its turn has not come after `waitMs`.
 *
 * When work ends, the queue stays busy and starts the next waiter, or becomes free if there is none. Among waiters of the same
 * priority, the next is one of the user whose images have taken the least time (start-time fair queueing). A large image
 * thus costs its user more turns than a small one, and many images of one user delay those of others by one image. The default of `waitMs`
 * leaves time for the work itself before the gateway gives up on the request.
 */
export const createImageQueue = ({
  maxWaiting,
  waitMs: defaultWaitMs = 15_000,
}: {
  maxWaiting: number
  waitMs?: number
}): ImageQueue => {
  const waiters: Waiter[] = []
  /** The time that a user's images have taken, ahead of {@link servedMs}. */
  const usedMs = new Map<string, number>()
  /** What `usedMs` was for the work that started last. A user without images starts from there. */
  let servedMs = 0
  let busy = false
  /** The moving average of the time that an image takes. */
  let averageMs = 0
  const seconds = histogram('media_image_seconds', 'Time to process one image, without its wait in the queue')
  gauge('media_images_waiting', 'Images that wait to be processed', [], function () {
    this.set(waiters.length)
  })

  const usedBy = (userId: string): number => Math.max(usedMs.get(userId) ?? 0, servedMs)

  const nextWaiter = (): Waiter | undefined => {
    const first = waiters.filter(({ lowPriority }) => !lowPriority)
    let next: Waiter | undefined
    for (const waiter of first.length > 0 ? first : waiters)
      if (!next || usedBy(waiter.userId) < usedBy(next.userId)) next = waiter
    return next
  }

  const charge = (userId: string, ms: number): void => {
    usedMs.set(userId, usedBy(userId) + ms)
    for (const [other, used] of usedMs) if (used <= servedMs) usedMs.delete(other)
  }

  const waitForTurn = ({ signal, waitMs = defaultWaitMs, lowPriority = false, userId }: WorkOptions): Promise<void> =>
    new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', giveUp)
        const index = waiters.indexOf(waiter)
        if (index !== -1) waiters.splice(index, 1)
      }
      const giveUp = () => {
        leave()
        reject(signal?.aborted ? signal.reason : busyProblem(waiters.length * averageMs))
      }
      const start = () => {
        leave()
        resolve()
      }
      const waiter = { start, lowPriority, userId }
      const timer = setTimeout(giveUp, waitMs)
      signal?.addEventListener('abort', giveUp)
      waiters.push(waiter)
    })

  return {
    assertCapacity: (images) => {
      const ms = images * averageMs
      if (ms > defaultWaitMs) throw busyProblem(ms - defaultWaitMs / 2)
    },
    run: async (work, options) => {
      options.signal?.throwIfAborted()
      if (busy && waiters.length >= maxWaiting) throw busyProblem(waiters.length * averageMs)
      if (busy) await waitForTurn(options)
      busy = true
      servedMs = usedBy(options.userId)
      const startedAt = performance.now()
      try {
        return await work()
      } finally {
        const ms = performance.now() - startedAt
        seconds.observe(ms / 1000)
        averageMs += (ms - averageMs) / 8
        charge(options.userId, ms)
        const next = nextWaiter()
        if (next) next.start()
        else {
          busy = false
          usedMs.clear()
        }
      }
    },
  }
}
