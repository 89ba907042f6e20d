import { examples } from '@clientele/contracts/examples'
import { InstallationConfig } from '@clientele/contracts/installation'
import { ok } from '@clientele/platform/http/api'
import { documentOf, type ServiceContract } from '@clientele/platform/service/contract'

const service = 'gateway'
const title = 'Gateway'

/** The operations that the gateway has besides those of the services. site/installation-config.ts handles them. */
export const contract: ServiceContract = {
  service,
  title,
  document: () =>
    documentOf({ service, title, examples }, (api) =>
      api.operation(
        {
          method: 'get',
          path: '/v1/config',
          operationId: 'getConfig',
          summary: 'Get the settings of this installation',
          description:
            'What a front end needs before anybody signs in: the shop, required fields, limits, and what is switched on. `GET /v1/auth/config` has the addresses for the sign-in. Changes show within two minutes.',
          tag: 'Installation',
          roles: 'public',
          responses: { 200: InstallationConfig },
        },
        async () => ok({} as InstallationConfig),
      ),
    ),
  publishes: [],
  consumes: [],
}
