import { randomInt } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'

const attempts = 5
const longestPauseMs = 20

// PostgreSQL (Appendix A): serialization_failure, deadlock_detected. Of two that clash one is refused; it has only to try again.
const isClash = (error: unknown): boolean => ['40001', '40P01'].includes(String((error as { code?: unknown }).code))

/** Runs a transaction again, some times at most, where it was refused for another one's sake. */
export const retried = async <T>(work: () => Promise<T>): Promise<T> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      if (attempt === attempts || !isClash(error)) throw error
      await pause(randomInt(1, longestPauseMs * attempt))
    }
  }
}
