import { setTimeout as pause } from 'node:timers/promises'
import { ConfigError } from '@clientele/platform/runtime/config'

/**
 * Runs the work of a one-shot container: what it has done on stdout, or why it cannot, and code 1. What it needs may come up
 * later than itself, as after `docker compose restart`: it goes on trying, since Compose takes an end with 1 for good.
 */
export const runOnce = async (
  work: () => Promise<string[]>,
  { patienceMs = 120_000, everyMs = 1_000 } = {},
): Promise<void> => {
  const end = Date.now() + patienceMs
  let told = ''
  for (;;) {
    try {
      for (const line of await work()) console.log(line)
      return
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (reason !== told) console.error(reason)
      told = reason
      if (!(error instanceof ConfigError) && Date.now() < end) await pause(everyMs)
      else {
        process.exitCode = 1
        return
      }
    }
  }
}
