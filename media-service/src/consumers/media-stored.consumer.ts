import { mediaStored } from '@clientele/contracts/media'
import { consumer } from '@clientele/platform/events/consumer/consumer'
import { Problem } from '@clientele/platform/runtime/problem'
import type { MediaTable } from '../media/media.model.ts'
import type { Variants } from '../media/media.variants.ts'

const turn = { patient: true, waitMs: 25_000 }

const unlessBusy = (error: unknown): void => {
  if (!(error instanceof Problem && error.code === 'unavailable')) throw error
}

/** Small pictures are made here, not while somebody waits; where there is no time for it, they are made when first asked for. */
export const mediaWasStored = ({ model, variants }: { model: MediaTable; variants: Variants }) =>
  consumer({
    queue: 'media-service.variants',
    events: [mediaStored],
    prefetch: 1,
    timeoutMs: 60_000,
    handle: async ({ subject }) => {
      const media = await model.findOne({ where: { id: subject, deletedAt: null } })
      if (!media) return
      for (const name of ['medium', 'thumb'] as const) await variants.ensure(media, name, turn).catch(unlessBusy)
    },
  })
