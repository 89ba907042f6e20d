import { z } from 'zod'
import { event } from './event.ts'
import { ActorRef, readOnly, time, uuid } from './fields.ts'

export const MediaVariant = z.enum(['original', 'medium', 'thumb']).meta({ id: 'MediaVariant' })
export type MediaVariant = z.infer<typeof MediaVariant>

/** The variants that are made from the original, with the maximum length of a side in pixels. They are always WebP. */
export const variantPixels = { medium: 1024, thumb: 320 } as const satisfies Partial<Record<MediaVariant, number>>

/** The description of the query parameter `variant`. */
export const variantDescription = `The size of the image: \`original\`, \`medium\` (sides of at most ${variantPixels.medium} pixels) or \`thumb\` (at most ${variantPixels.thumb}).`

/** The path of a variant's content. Sign it (`@clientele/platform/http/signed-link`) to get a link that needs no header. */
export const mediaContentPath = (id: string, variant: MediaVariant = 'original'): string =>
  `/v1/media/${id}/content?variant=${variant}`

const signedLinkDescription =
  'A signed link. It works without a token until it expires, and stays the same for half of that time.'
/** The field `photoMediaId` in the request body of a resource with a photo. */
export const photoMediaIdInput = uuid.nullish().meta({
  description:
    'The id of an image that was uploaded with `POST /v1/media`. A PUT without it keeps the photo; null removes it.',
})

const signedLink = z.string().meta({
  description: signedLinkDescription,
  example: '/v1/media/0190a5c4-6f00-7000-8000-000000000001/content?variant=thumb&expires=1795168800&signature=c2lnbmVk',
})

const PhotoUrls = z
  .object({ thumb: signedLink, medium: signedLink, original: signedLink })
  .meta({ id: 'PhotoUrls', description: `Signed links to the sizes of a photo. ${variantDescription}` })

/** The links of a resource with a photo. They are null without a photo, and events do not have them. */
export const photoLinks = {
  photoUrl: z
    .string()
    .nullable()
    .meta({ description: `The same link as \`photoUrls.medium\`. ${signedLinkDescription}`, readOnly: true }),
  photoUrls: readOnly(PhotoUrls.nullable()),
}
export type PhotoLinks = { photoUrl: string | null; photoUrls: z.infer<typeof PhotoUrls> | null }
/** The fields of {@link photoLinks}, for `omit`. */
export const photoLinkFields = { photoUrl: true, photoUrls: true } as const

/** What was changed in an uploaded image beside its encoding. */
export const mediaNotes = {
  end_missing: 'The file lacked its end, although the picture is whole. It may have been cut off on its way.',
  reduced: 'The image had more than 40 megapixels and was made smaller.',
} as const satisfies Record<string, string>
export type MediaNote = keyof typeof mediaNotes

const MediaNotes = z
  .array(
    z.object({
      code: z.enum(Object.keys(mediaNotes) as [MediaNote, ...MediaNote[]]).meta({ id: 'MediaNoteCode' }),
      message: z.string().meta({ example: mediaNotes.end_missing }),
    }),
  )
  .meta({ description: 'What the uploader should know about the image; mostly empty.' })

export const Media = z
  .object({
    id: uuid,
    mimeType: z.string().meta({ example: 'image/jpeg' }),
    bytes: z.int().min(1),
    width: z.int().min(1),
    height: z.int().min(1),
    sha256: z.string().meta({ description: 'The SHA-256 of the stored original, in hexadecimal.' }),
    url: signedLink,
    variants: z.object({ thumb: signedLink, medium: signedLink }),
    notes: MediaNotes,
    createdAt: time,
    createdBy: ActorRef,
    version: z.int().min(1),
  })
  .meta({ id: 'Media' })
export type Media = z.infer<typeof Media>

/** The form of an upload: one file. */
export const MediaUpload = z
  .strictObject({
    file: z.string().meta({
      format: 'binary',
      description: 'A JPEG, PNG, WebP, AVIF or GIF image. The field may also be named `photo` or `picture`.',
    }),
  })
  .meta({ id: 'MediaUpload' })

export const MediaTooLarge = z
  .looseObject({
    code: z.literal('too_large'),
    limit: z.int().min(0).meta({ description: 'The maximum size of a file in bytes.' }),
  })
  .meta({ id: 'MediaTooLargeProblem' })

export const mediaStored = event('media.stored.v1', Media.omit({ url: true, variants: true, notes: true }))

/** An upload began like an image but could not be decoded. It was not stored. */
export const mediaRejected = event(
  'media.rejected.v1',
  z.object({
    id: uuid,
    mimeType: z.string(),
    bytes: z.int(),
    sha256: z.string().meta({ description: 'The SHA-256 of the uploaded file, in hexadecimal.' }),
    reason: z.enum(['undecodable', 'too_many_pixels', 'too_complex']),
    version: z.int().min(1),
  }),
)

/**
 * The image `subject` was deleted, and consumers must remove their references to it. If a customer or product refers to an
 * image that is already deleted, the event is published again with the reason `missing`, so that this reference is removed too.
 */
export const mediaDeleted = event(
  'media.deleted.v1',
  z.object({ id: uuid, reason: z.enum(['requested', 'released', 'unused', 'missing']), version: z.int().min(1) }),
)
export const mediaEvents = [mediaStored, mediaRejected, mediaDeleted]
