import type { Log } from '@clientele/platform/runtime/log'
import { periodicTask, type Task } from '@clientele/platform/runtime/periodic-task'
import { sleep } from '@clientele/platform/runtime/timeout'
import type { z } from 'zod'

const intervalMs = 600_000
const retryMs = 5_000
const pageTimeoutMs = 10_000
const pageSize = 1_000

type Options<Item extends { id: string }> = {
  /** The name of the service that owns the records. */
  service: string
  /** What the records are called in the log, such as `users`. */
  records: string
  /** The address on the internal port of the service. It returns up to `limit` records, by id, after the id `after`. */
  url: string
  schema: z.ZodType<{ data: Item[] }>
  /** Whether there is anything that the records could add; by default always. */
  isNeeded?(): Promise<boolean>
  /** Stores a page of records. Versions decide which of them are newer than what is stored. */
  store(items: readonly Item[]): Promise<void>
}

const createReconciliation = <Item extends { id: string }>({
  service,
  records,
  url,
  schema,
  isNeeded = async () => true,
  store,
}: Options<Item>) => {
  const readPage = async (after: string, signal: AbortSignal): Promise<Item[]> => {
    const response = await fetch(`${url}?${new URLSearchParams({ limit: String(pageSize), after })}`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(pageTimeoutMs)]),
    })
    if (!response.ok) throw new Error(`reading ${records} from ${service} returned ${response.status}`)
    return schema.parse(await response.json()).data
  }

  return async (signal: AbortSignal): Promise<void> => {
    if (!(await isNeeded())) return
    for (let after = ''; !signal.aborted; ) {
      const items = await readPage(after, signal)
      if (items.length > 0) await store(items)
      const last = items.at(-1)
      if (!last || items.length < pageSize) return
      after = last.id
    }
  }
}

/**
 * Compares a projection with the records of the service that owns them, at the start and every ten minutes. Events keep the
 * projection current; this adds the records of the time before it existed, and what an outage lost.
 */
export const pageReconciliationTask = <Item extends { id: string }>({
  name,
  log,
  ...options
}: Options<Item> & { name: string; log: Log }): Task => {
  const reconcile = createReconciliation(options)
  const { records, service } = options
  const run = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      try {
        return await reconcile(signal)
      } catch (err) {
        if (signal.aborted) return
        // At the start of an installation the service may not be there yet.
        log.warn({ err }, `the ${records} could not be read from ${service}; trying again`)
        await sleep(retryMs, signal)
      }
    }
  }
  return periodicTask({ name, intervalMs, log, runAtStart: true, run })
}
