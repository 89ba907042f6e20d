import { z } from 'zod'
import { event } from './event.ts'
import { ActorRef, time, uuid } from './fields.ts'

export const MediaVariant = z.enum(['original', 'medium', 'thumb']).meta({ id: 'MediaVariant' })
export type MediaVariant = z.infer<typeof MediaVariant>

/** Variants that are made from the original, always WebP, and the length in pixels that no side exceeds. */
export const variantPixels = { medium: 1024, thumb: 320 } as const satisfies Partial<Record<MediaVariant, number>>

/** Where a variant's bytes are; sign it (`@clientele/platform/signed-link`) to make a link that needs no header. */
export const mediaContentPath = (id: string, variant: MediaVariant = 'original'): string =>
  `/v1/media/${id}/content?variant=${variant}`

const signedLink = z.string().meta({
  description: 'a time-limited signed link that needs no header',
  example: '/v1/media/0190a5c4-6f00-7000-8000-000000000001/content?variant=thumb&expires=1795168800&signature=c2lnbmVk',
})

export const Media = z
  .object({
    id: uuid,
    mimeType: z.string().meta({ example: 'image/jpeg' }),
    bytes: z.int(),
    width: z.int(),
    height: z.int(),
    sha256: z.string().meta({ description: 'of the stored original, in hexadecimal' }),
    url: signedLink,
    variants: z.object({ thumb: signedLink, medium: signedLink }),
    createdAt: time,
    createdBy: ActorRef,
    version: z.int().min(1),
  })
  .meta({ id: 'Media' })
export type Media = z.infer<typeof Media>

/** POST, `multipart/form-data`: one file, in `file` or under one of its other names. */
export const MediaUpload = z
  .strictObject({
    file: z.string().meta({
      format: 'binary',
      description: 'JPEG, PNG, WebP, AVIF or GIF. Also taken as `photo` or `picture`.',
    }),
  })
  .meta({ id: 'MediaUpload' })

export const MediaTooLarge = z
  .looseObject({ code: z.literal('too_large'), limit: z.int().meta({ description: 'bytes that a file may have' }) })
  .meta({ id: 'MediaTooLargeProblem' })

export const mediaStored = event('media.stored.v1', Media.omit({ url: true, variants: true }))

/** An upload looked like an image at first, but could not be decoded; nothing of it is kept. */
export const mediaRejected = event(
  'media.rejected.v1',
  z.object({
    id: uuid,
    mimeType: z.string(),
    bytes: z.int(),
    sha256: z.string().meta({ description: 'of what was uploaded, in hexadecimal' }),
    reason: z.enum(['undecodable', 'too_many_pixels', 'too_complex']),
    version: z.int().min(1),
  }),
)

/**
 * The media is gone: whoever refers to `subject` drops the reference. It is published once more when a reference to media
 * that is already gone appears (`missing`), so a reference made meanwhile is dropped as well.
 */
export const mediaDeleted = event(
  'media.deleted.v1',
  z.object({ id: uuid, reason: z.enum(['requested', 'released', 'unused', 'missing']), version: z.int().min(1) }),
)
export const mediaEvents = [mediaStored, mediaRejected, mediaDeleted]
