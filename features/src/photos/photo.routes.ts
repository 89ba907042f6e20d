import { MediaVariant, variantDescription } from '@clientele/contracts/media'
import { idParameter } from '@clientele/contracts/parameters'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { type Api, noContent, ok, redirect } from '@clientele/platform/http/api'
import { noVersion } from '@clientele/platform/http/request-parsing'
import { Problem, preconditionFailed } from '@clientele/platform/runtime/problem'
import { z } from 'zod'
import type { MediaClient } from './media.client.ts'
import type { MediaLink } from './media-link.ts'
import { discardOnFailure, photoUploads } from './photo.uploads.ts'

/** A service whose resources have a photo. */
export type PhotoOwner<R> = {
  /** @throws Problem 404 */
  row(key: { key: string }): Promise<{ photoMediaId: string | null; version: number }>
  /** If `uploaded` is true, the image has just been stored, so its existence need not be checked. */
  setPhoto(
    key: { key: string },
    mediaId: string | null,
    access: { actor: Actor; ifMatch?: number | undefined },
    options?: { uploaded?: boolean },
  ): Promise<R>
}

type Options<R> = {
  /** Path of the resource, for example `/v1/customers/{key}`. */
  path: string
  /** Name of the resource in operationIds and messages, for example `customer`. */
  owner: string
  tag: string
  resource: z.ZodType<R>
  body: z.ZodType<{ mediaId: string }>
}
type Deps<R> = { owners: PhotoOwner<R>; media: MediaClient; photoLink: MediaLink }

/** Adds GET, PUT and DELETE of a resource's photo, at the path of the resource followed by `/photo`. */
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
    params: z.strictObject({ key: idParameter(owner) }),
  } as const
  const mediaIdOf = async (params: { key: string }): Promise<string> => {
    const { photoMediaId } = await owners.row(params)
    if (photoMediaId === null) throw new Problem('not_found', { detail: 'photo not found' })
    return photoMediaId
  }

  /** For `If-None-Match: *`, which is about the photo and not about its owner. */
  const versionWithoutPhoto = async (params: { key: string }): Promise<number> => {
    const { photoMediaId, version } = await owners.row(params)
    if (photoMediaId !== null) throw preconditionFailed(`the ${owner}`, { version })
    return version
  }

  api.operation(
    {
      ...shared,
      method: 'get',
      operationId: `get${name}`,
      summary: `Get the photo of a ${owner}`,
      description: 'Redirects to a signed link, which works without a token until it expires.',
      query: z.strictObject({
        variant: MediaVariant.default('medium').meta({ description: `${variantDescription} Default: \`medium\`.` }),
      }),
      responses: { 302: null },
    },
    async ({ params, query }) =>
      redirect(photoLink(await mediaIdOf(params), query.variant), {
        headers: { 'Cache-Control': 'no-store' },
      }),
  )

  api.operation(
    {
      ...shared,
      method: 'put',
      operationId: `replace${name}`,
      summary: `Replace the photo of a ${owner}`,
      description:
        'Send JSON with the `mediaId` of an image that was uploaded with `POST /v1/media`, a form with the image, or the image itself.',
      body,
      uploads: photoUploads({ media, owner }),
      responses: { 200: resource },
    },
    async ({ params, body, actor, ifMatch, req }) => {
      const { input, uploaded } = 'input' in body ? body : { input: body, uploaded: undefined }
      const set = async () => {
        const access = { actor, ifMatch: ifMatch === noVersion ? await versionWithoutPhoto(params) : ifMatch }
        return owners.setPhoto(params, input.mediaId, access, { uploaded: uploaded !== undefined })
      }
      return ok(await discardOnFailure(req, media, uploaded, actor, set))
    },
  )

  api.operation(
    {
      ...shared,
      method: 'delete',
      operationId: `delete${name}`,
      summary: `Delete the photo of a ${owner}`,
      responses: { 204: null },
    },
    async ({ params, actor, ifMatch }) => {
      await mediaIdOf(params)
      await owners.setPhoto(params, null, { actor, ifMatch })
      return noContent()
    },
  )
}
