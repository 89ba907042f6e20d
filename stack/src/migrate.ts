import { provisionAndMigrate } from './provision.ts'
import { postgresAddress } from './running.ts'

const place = await postgresAddress()
try {
  for (const line of await provisionAndMigrate(place)) console.log(line)
} finally {
  await place.stop()
}
