import type { IncomingMessage } from 'node:http'
import { uuid } from '@clientele/contracts/fields'
import { Media, MediaTooLarge, MediaUpload, MediaVariant, variantDescription } from '@clientele/contracts/media'
import { signedLinkParameters } from '@clientele/contracts/parameters'
import { ProblemBody } from '@clientele/contracts/problem'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { type Api, created, noContent, ok } from '@clientele/platform/http/api'
import type { Request } from 'express'
import { z } from 'zod'
import type { ContentService } from '../content/content.service.ts'
import type { Upload } from '../uploads/upload.ts'
import type { MediaService } from './media.service.ts'

export type MediaRouteDeps = {
  media: Pick<MediaService, 'create' | 'get' | 'delete'>
  content: ContentService
  readUpload: (req: Request, actor: Actor) => Promise<Upload>
  checkReader: (req: IncomingMessage, actor: Actor) => void
}

const tag = 'Media'
const params = z.object({ id: uuid })
const contentQuery = z.strictObject({
  variant: MediaVariant.default('original').meta({ description: `${variantDescription} Default: \`original\`.` }),
  ...signedLinkParameters,
})

export const mediaRoutes = (api: Api, { media, content, readUpload, checkReader }: MediaRouteDeps): void => {
  api.operation(
    {
      method: 'post',
      path: '/v1/media',
      operationId: 'uploadMedia',
      summary: 'Upload an image',
      description:
        'The type is detected from the content; file name and headers are ignored. The image is turned upright and stored without EXIF and GPS data. AVIF becomes WebP, and GIF becomes a PNG; of several frames the first is stored. An image of more than 40 megapixels is made smaller, and `notes` says so. An image that no customer or product shows is deleted after a day.',
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
      summary: 'Get the metadata of an image',
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
      summary: 'Delete an image',
      description: 'While a customer or product shows the image, the response is 409 `in_use`.',
      tag,
      roles: ['user'],
      params,
      responses: { 204: null },
    },
    async ({ params: { id }, actor, ifMatch }) => {
      await media.delete(id, actor, ifMatch)
      return noContent()
    },
  )

  api.operation(
    {
      method: 'get',
      path: '/v1/media/{id}/content',
      operationId: 'getMediaContent',
      summary: 'Get the content of an image',
      description:
        'Requires an access token or a signed link, such as `url` of the image or `photoUrl` of a customer. `Range` and `If-None-Match` are supported.',
      tag,
      roles: 'optional',
      params,
      query: contentQuery,
      file: {
        types: ['image/jpeg', 'image/png', 'image/webp'],
        headers: ['ETag', 'Content-Disposition', 'Accept-Ranges'],
      },
      responses: { 200: null, 206: null, 302: null, 304: null, 416: ProblemBody },
    },
    async ({ params: { id }, query: { variant }, actor, req }) => {
      checkReader(req, actor)
      return content.serve(id, variant, req)
    },
  )
}
