import { pathKey } from '@clientele/contracts/fields'
import { MediaVariant } from '@clientele/contracts/media'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { type Api, noContent, ok, redirect } from '@clientele/platform/http/api'
import { Problem } from '@clientele/platform/runtime/problem'
import { z } from 'zod'
import type { MediaClient } from './media.client.ts'
import type { MediaLink } from './media-link.ts'
import { keeping, photoUploads } from './photo.uploads.ts'

/** What shows a photo: the part of a service that these routes call. */
export type PhotoOwner<R> = {
  /** @throws Problem 404 */
  row(key: { key: string }): Promise<{ photoMediaId: string | null }>
  /** `uploaded`: the medium has just been stored and need not be looked for. */
  setPhoto(
    key: { key: string },
    mediaId: string | null,
    access: { actor: Actor; ifMatch?: number | undefined },
    options?: { uploaded?: boolean },
  ): Promise<R>
}

type Options<R> = {
  /** Of the resource: `/v1/customers/{key}`. */
  path: string
  /** The resource in names and messages: `customer`. */
  owner: string
  tag: string
  resource: z.ZodType<R>
  body: z.ZodType<{ mediaId: string }>
}
type Deps<R> = { owners: PhotoOwner<R>; media: MediaClient; photoLink: MediaLink }

/** GET, PUT and DELETE of a resource's photo, below its own address. */
export const photoRoutes = <R>(
  api: Api,
  { path, owner, tag, resource, body }: Options<R>,
  { owners, media, photoLink }: Deps<R>,
): void => {
  const name = `${owner[0]?.toUpperCase()}${owner.slice(1)}Photo`
  const shared = {
    path: `${path}/photo`,
    tag,
    roles: ['user'],
    params: z.strictObject({ key: pathKey }),
  } as const
  const mediaIdOf = async (params: { key: string }): Promise<string> => {
    const { photoMediaId } = await owners.row(params)
    if (photoMediaId === null) throw new Problem('not_found', { detail: `the ${owner} has no photo` })
    return photoMediaId
  }

  api.operation(
    {
      ...shared,
      method: 'get',
      operationId: `get${name}`,
      summary: 'Leads to the photo',
      query: z.strictObject({ variant: MediaVariant.default('medium') }),
      responses: { 302: null },
    },
    async ({ params, query }) =>
      redirect(photoLink(await mediaIdOf(params), query.variant), {
        headers: { 'Cache-Control': 'private, no-cache' },
      }),
  )

  api.operation(
    {
      ...shared,
      method: 'put',
      operationId: `put${name}`,
      summary: 'Sets the photo: an image, a form, or a medium',
      body,
      uploads: photoUploads({ media, owner }),
      responses: { 200: resource },
    },
    async ({ params, body, actor, ifMatch, req }) => {
      const { input, uploaded } = 'input' in body ? body : { input: body, uploaded: undefined }
      const set = () => owners.setPhoto(params, input.mediaId, { actor, ifMatch }, { uploaded: uploaded !== undefined })
      return ok(await keeping(req, media, uploaded, actor, set))
    },
  )

  api.operation(
    {
      ...shared,
      method: 'delete',
      operationId: `delete${name}`,
      summary: 'Removes the photo',
      responses: { 204: null },
    },
    async ({ params, actor, ifMatch }) => {
      await mediaIdOf(params)
      await owners.setPhoto(params, null, { actor, ifMatch })
      return noContent()
    },
  )
}
