import { setTimeout as pause } from 'node:timers/promises'
import { ConfigError } from '@clientele/platform/runtime/config'
import { messageOf } from './fail.ts'

/**
 * Runs the work of a one-shot container. Prints the lines that `work` returns, or the error and exits with code 1. Services
 * that it needs may start later, as after `docker compose restart`, and Compose does not start it again. So it retries for
 * `timeoutMs`, unless the configuration is wrong. Prints an error once, not at every retry.
 */
export const runOnce = async (
  work: () => Promise<string[]>,
  { timeoutMs = 120_000, intervalMs = 1_000 } = {},
): Promise<void> => {
  const end = Date.now() + timeoutMs
  let lastReason = ''
  for (;;) {
    try {
      for (const line of await work()) console.log(line)
      return
    } catch (error) {
      const reason = messageOf(error)
      if (reason !== lastReason) console.error(reason)
      lastReason = reason
      if (!(error instanceof ConfigError) && Date.now() < end) await pause(intervalMs)
      else {
        process.exitCode = 1
        return
      }
    }
  }
}
