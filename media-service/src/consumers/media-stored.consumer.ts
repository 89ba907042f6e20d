import { mediaStored } from '@clientele/contracts/media'
import { consumer } from '@clientele/platform/events/consumer/consumer'
import { Problem } from '@clientele/platform/runtime/problem'
import type { MediaTable } from '../media/media.model.ts'
import type { Variants } from '../media/media.variants.ts'

// Requests go first: somebody waits for their response.
const wait = { lowPriority: true, waitMs: 25_000 }

const ignoreUnavailable = (error: unknown): void => {
  if (!(error instanceof Problem && error.code === 'unavailable')) throw error
}

/**
 * Creates the variants of a new image in advance. If the image queue is full for too long, it leaves them out: they are then
 * created at the first request for them.
 */
export const variantConsumer = ({ model, variants }: { model: MediaTable; variants: Variants }) =>
  consumer({
    queue: 'media-service.variants',
    events: [mediaStored],
    prefetch: 1,
    timeoutMs: 60_000,
    handle: async ({ subject }) => {
      const media = await model.findOne({ where: { id: subject, deletedAt: null } })
      if (!media) return
      for (const name of ['medium', 'thumb'] as const) await variants.ensure(media, name, wait).catch(ignoreUnavailable)
    },
  })
