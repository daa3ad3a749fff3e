import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { findKafka, freePorts, startKafka, type LocalKafka } from '@livegift/local-servers';

const run = promisify(execFile);
const KEY_STORE_PASSWORD = 'of-the-key-store';
const LOGIN_MODULES = 'org.apache.kafka.common.security';

export interface SecuredKafka {
  readonly kafka: LocalKafka;
  readonly user: string;
  readonly password: string;
  /** `host:port` of the listener that asks for a login, in plain text. */
  readonly saslBrokers: string;
  /** Of the one that asks for a login over TLS. */
  readonly tlsBrokers: string;
  /** The certificate that it shows there, which nobody else has signed. */
  readonly caFile: string;
  stop(): Promise<void>;
}

/** A real Kafka with two listeners more than it needs: they know one user, by PLAIN and by SCRAM. */
export async function startSecuredKafka(): Promise<SecuredKafka> {
  const user = 'livegift';
  const password = 'hidden-from-everybody';
  const directory = mkdtempSync(join(tmpdir(), 'livegift-certificate-'));
  try {
    const { keyStore, caFile } = await makeCertificate(directory);
    const [port, controllerPort, saslPort, tlsPort] = (await freePorts(4)) as [number, number, number, number];
    const listeners = `PLAINTEXT://127.0.0.1:${port},SASL_PLAINTEXT://127.0.0.1:${saslPort},SASL_SSL://127.0.0.1:${tlsPort}`;
    const kafka = await startKafka({
      port,
      scramUsers: { [user]: password },
      properties: {
        listeners: `${listeners},CONTROLLER://127.0.0.1:${controllerPort}`,
        'advertised.listeners': listeners,
        'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
        'listener.security.protocol.map':
          'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL',
        'ssl.keystore.location': keyStore,
        'ssl.keystore.type': 'PKCS12',
        'ssl.keystore.password': KEY_STORE_PASSWORD,
        'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
        ...loginModules('sasl_plaintext', user, password),
        ...loginModules('sasl_ssl', user, password),
      },
    });
    const stop = async (): Promise<void> => {
      await kafka.stop();
      rmSync(directory, { recursive: true, force: true });
    };
    const [saslBrokers, tlsBrokers] = [`127.0.0.1:${saslPort}`, `127.0.0.1:${tlsPort}`];
    return { kafka, user, password, saslBrokers, tlsBrokers, caFile, stop };
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
}

function loginModules(listener: string, user: string, password: string): Readonly<Record<string, string>> {
  const key = (mechanism: string): string => `listener.name.${listener}.${mechanism}.sasl.jaas.config`;
  const scram = `${LOGIN_MODULES}.scram.ScramLoginModule required;`;
  return {
    [key('plain')]: `${LOGIN_MODULES}.plain.PlainLoginModule required user_${user}="${password}";`,
    [key('scram-sha-256')]: scram,
    [key('scram-sha-512')]: scram,
  };
}

/** By the tool that comes with Kafka's own Java. */
async function makeCertificate(directory: string): Promise<{ readonly keyStore: string; readonly caFile: string }> {
  const found = findKafka();
  if ('missing' in found) throw new Error(found.missing);
  const keytool = join(dirname(found.programs.java), 'keytool');
  const [keyStore, caFile] = [join(directory, 'kafka.p12'), join(directory, 'ca.pem')];
  const store = ['-alias', 'kafka', '-keystore', keyStore, '-storetype', 'PKCS12', '-storepass', KEY_STORE_PASSWORD];
  const names = ['-dname', 'CN=127.0.0.1', '-ext', 'san=ip:127.0.0.1'];
  await run(keytool, ['-genkeypair', '-keyalg', 'RSA', '-validity', '2', ...names, ...store]);
  await run(keytool, ['-exportcert', '-rfc', '-file', caFile, ...store]);
  return { keyStore, caFile };
}
