import { MediaVariant, variantDescription } from '@clientele/contracts/media'
import { idByParameter, keyParameter } from '@clientele/contracts/parameters'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { type Api, noContent, ok, redirect } from '@clientele/platform/http/api'
import { type IfMatch, noVersion, requireVersion } from '@clientele/platform/http/if-match'
import { Problem } from '@clientele/platform/runtime/problem'
import { z } from 'zod'
import type { MediaClient } from './media.client.ts'
import type { MediaLink } from './media-link.ts'
import { discardOnFailure, photoUploads } from './photo.uploads.ts'

/** How a path names a resource: by id, or by the field `idBy`. */
type Key<Field> = { key: string; idBy?: Field | undefined }

/** A service whose resources have a photo. */
export type PhotoOwner<R, Field> = {
  /** @throws Problem 404 */
  row(key: Key<Field>): Promise<{ photoMediaId: string | null; version: number }>
  /** If `uploaded` is true, the image has just been stored, so its existence need not be checked. */
  setPhoto(
    key: Key<Field>,
    mediaId: string | null,
    access: { actor: Actor; ifMatch?: IfMatch },
    options?: { uploaded?: boolean },
  ): Promise<R>
}

type Options<R, Field extends string> = {
  /** Path of the resource, for example `/v1/customers/{key}`. */
  path: string
  /** Name of the resource in operationIds and messages, for example `customer`. */
  owner: string
  /** The fields by which a path can name the resource. */
  idBy: z.ZodEnum<Record<Field, Field>>
  tag: string
  resource: z.ZodType<R>
  body: z.ZodType<{ mediaId: string }>
}
type Deps<R, Field> = { owners: PhotoOwner<R, Field>; media: MediaClient; photoLink: MediaLink }

/** Adds GET, PUT and DELETE of a resource's photo, at the path of the resource followed by `/photo`. */
export const photoRoutes = <R, Field extends string>(
  api: Api,
  { path, owner, idBy, tag, resource, body }: Options<R, Field>,
  { owners, media, photoLink }: Deps<R, Field>,
): void => {
  const name = `${owner[0]?.toUpperCase()}${owner.slice(1)}Photo`
  const shared = {
    path: `${path}/photo`,
    tag,
    roles: ['user'],
    params: z.strictObject({ key: keyParameter(owner) }),
  } as const
  const query = z.strictObject({ idBy: idByParameter(idBy) })
  const mediaIdOf = async (key: Key<Field>): Promise<string> => {
    const { photoMediaId } = await owners.row(key)
    if (photoMediaId === null) throw new Problem('not_found', { detail: 'photo not found' })
    return photoMediaId
  }

  /** For `If-None-Match: *`, which is about the photo and not about its owner. */
  const versionWithoutPhoto = async (key: Key<Field>): Promise<IfMatch> => {
    const { photoMediaId, version } = await owners.row(key)
    if (photoMediaId !== null) requireVersion(`the ${owner}`, { version }, noVersion)
    return [version]
  }

  api.operation(
    {
      ...shared,
      method: 'get',
      operationId: `get${name}`,
      summary: `Get the photo of a ${owner}`,
      description: 'Redirects to a signed link, which works without a token until it expires.',
      query: query.extend({
        variant: MediaVariant.default('medium').meta({ description: `${variantDescription} Default: \`medium\`.` }),
      }),
      responses: { 302: null },
    },
    async ({ params, query }) =>
      redirect(photoLink(await mediaIdOf({ ...params, idBy: query.idBy }), query.variant), {
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
      query,
      body,
      uploads: photoUploads({ media, owner }),
      responses: { 200: resource },
    },
    async ({ params, query, body, actor, ifMatch, req }) => {
      const key = { ...params, ...query }
      const { input, uploaded } = 'input' in body ? body : { input: body, uploaded: undefined }
      const set = async () => {
        const access = { actor, ifMatch: ifMatch === noVersion ? await versionWithoutPhoto(key) : ifMatch }
        return owners.setPhoto(key, input.mediaId, access, { uploaded: uploaded !== undefined })
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
      query,
      responses: { 204: null },
    },
    async ({ params, query, actor, ifMatch }) => {
      const key = { ...params, ...query }
      await mediaIdOf(key)
      await owners.setPhoto(key, null, { actor, ifMatch })
      return noContent()
    },
  )
}
