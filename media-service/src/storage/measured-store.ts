import { histogram } from '@clientele/platform/runtime/telemetry'
import type { Store } from './store.ts'

const operations = ['write', 'read', 'remove', 'sign'] as const

/** A store whose calls are counted and timed: a reading until its first byte, everything else until its end. */
export const measured = (store: Store): Store => {
  const seconds = histogram('media_store_seconds', 'Calls of the folder or bucket', ['operation', 'outcome'])
  // There from the start, or the first failures would not count.
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
