import type { EventType } from '@clientele/contracts/event'
import { type Api, type ApiOptions, createApi } from '../http/api.ts'
import type { OpenApiDocument } from '../http/openapi/document.ts'

/** The public interface of a service: its routes and events. Every service exports one from `src/contract.ts`. */
export type ServiceContract = {
  service: string
  title: string
  document: () => OpenApiDocument
  publishes: EventType[]
  consumes: EventType[]
}

/**
 * Generates the OpenAPI document of the routes that `declare` adds. Handlers are never called, so there is no database or
 * verifier.
 */
export const documentOf = (
  options: Pick<ApiOptions, 'service' | 'title' | 'examples'>,
  declare: (api: Api) => void,
): OpenApiDocument => {
  const unusable = new Proxy(
    {},
    { get: (_target, name) => () => Promise.reject(new Error(`${String(name)} is not available here`)) },
  )
  const api = createApi({
    ...options,
    verifier: unusable as ApiOptions['verifier'],
    log: unusable as ApiOptions['log'],
    config: {
      maxBodyBytes: 1_000_000,
      workMsPerMinute: 1,
      bodyBytesPerMinute: 1,
      batchItemsPerMinute: 1,
      rowsPerMinute: 1,
      keptBytesPerDay: 1,
    },
  })
  declare(api)
  return api.document()
}
