import { histogram } from '@clientele/platform/runtime/telemetry'
import type { Store } from './store.ts'

const operations = ['write', 'read', 'remove', 'sign'] as const

/** Wraps a store to count and time its calls. A read is timed until its first byte, any other call until its end. */
export const withMetrics = (store: Store): Store => {
  const seconds = histogram('media_store_seconds', 'Time of a call to the folder or bucket', ['operation', 'outcome'])
  // Series must exist from the start, because `rate()` does not see the first increase of a new one.
  for (const operation of operations) for (const outcome of ['done', 'failed']) seconds.zero({ operation, outcome })

  const timed = async <T>(operation: (typeof operations)[number], work: Promise<T>): Promise<T> => {
    const end = seconds.startTimer({ operation })
    let outcome = 'failed'
    try {
      const result = await work
      outcome = 'done'
      return result
    } finally {
      end({ outcome })
    }
  }

  const { signedUrl } = store
  return {
    ...store,
    write: (key, source, options) => timed('write', store.write(key, source, options)),
    read: (key, range) => timed('read', store.read(key, range)),
    remove: (key) => timed('remove', store.remove(key)),
    ...(signedUrl && { signedUrl: (key, options) => timed('sign', signedUrl(key, options)) }),
  }
}
