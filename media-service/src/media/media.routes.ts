import type { IncomingMessage } from 'node:http'
import { uuid } from '@clientele/contracts/fields'
import { Media, MediaTooLarge, MediaUpload, MediaVariant } from '@clientele/contracts/media'
import { ProblemBody } from '@clientele/contracts/problem'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { type Api, created, noContent, ok } from '@clientele/platform/http/api'
import type { Request } from 'express'
import { z } from 'zod'
import type { ContentService } from '../content/content.service.ts'
import type { Upload } from '../uploads/upload.ts'
import type { MediaService } from './media.service.ts'

/** What the routes call. */
export type MediaRoutes = {
  media: Pick<MediaService, 'create' | 'get' | 'remove'>
  content: ContentService
  readUpload: (req: Request, actor: Actor) => Promise<Upload>
  checkReader: (req: IncomingMessage, actor: Actor) => void
}

const tag = 'media'
const params = z.object({ id: uuid })
const contentQuery = z.strictObject({
  variant: MediaVariant.default('original'),
  expires: z.string().max(12).optional().meta({ description: 'part of a signed link' }),
  signature: z.string().max(100).optional().meta({ description: 'part of a signed link' }),
})

export const mediaRoutes = (api: Api, { media, content, readUpload, checkReader }: MediaRoutes): void => {
  api.operation(
    {
      method: 'post',
      path: '/v1/media',
      operationId: 'uploadMedia',
      summary: 'Upload an image',
      description:
        'The content decides what it is, not its name or header. It is turned upright and stored without EXIF and GPS data; AVIF becomes WebP, GIF a PNG of its first frame.',
      tag,
      roles: ['user'],
      uploads: { 'multipart/form-data': { schema: MediaUpload, parse: readUpload } },
      responses: { 201: Media, 413: MediaTooLarge },
    },
    async ({ body, actor }) => {
      const stored = await body.keep((image) => media.create(image, actor))
      return created(stored, `/v1/media/${stored.id}`)
    },
  )

  api.operation(
    {
      method: 'get',
      path: '/v1/media/{id}',
      operationId: 'getMedia',
      summary: 'Facts about an image',
      tag,
      roles: ['user'],
      params,
      responses: { 200: Media },
    },
    async ({ params: { id } }) => ok(await media.get(id)),
  )

  api.operation(
    {
      method: 'delete',
      path: '/v1/media/{id}',
      operationId: 'deleteMedia',
      summary: 'Delete an image that no customer shows',
      tag,
      roles: ['user'],
      params,
      responses: { 204: null },
    },
    async ({ params: { id }, actor, ifMatch }) => {
      await media.remove(id, actor, ifMatch)
      return noContent()
    },
  )

  api.operation(
    {
      method: 'get',
      path: '/v1/media/{id}/content',
      operationId: 'getMediaContent',
      summary: 'The image itself',
      description:
        'With a token, or by a signed link as other answers contain them. Takes `Range` and `If-None-Match`.',
      tag,
      roles: 'optional',
      params,
      query: contentQuery,
      responses: { 200: null, 206: null, 302: null, 304: null, 416: ProblemBody },
    },
    async ({ params: { id }, query: { variant }, actor, req }) => {
      checkReader(req, actor)
      return content.show(id, variant, req)
    },
  )
}
