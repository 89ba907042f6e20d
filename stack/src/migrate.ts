import { provisionAndMigrate } from './backing/provision.ts'
import { postgresAddress } from './backing/running-database.ts'

const place = await postgresAddress()
try {
  for (const line of await provisionAndMigrate(place)) console.log(line)
} finally {
  await place.stop()
}
