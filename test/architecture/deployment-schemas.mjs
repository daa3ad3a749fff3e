// Holds Kubernetes documents against the schemas of their kinds: `node deployment-schemas.mjs < documents.json` prints the
// findings of each document as JSON. A program of its own, because the schemas are ES modules and jest runs CommonJS.
import { text } from 'node:stream/consumers';
import { validate as deployment } from 'kubernetes-models/_schemas/IoK8sApiAppsV1Deployment';
import { validate as autoscaler } from 'kubernetes-models/_schemas/IoK8sApiAutoscalingV2HorizontalPodAutoscaler';
import { validate as configMap } from 'kubernetes-models/_schemas/IoK8sApiCoreV1ConfigMap';
import { validate as namespace } from 'kubernetes-models/_schemas/IoK8sApiCoreV1Namespace';
import { validate as secret } from 'kubernetes-models/_schemas/IoK8sApiCoreV1Secret';
import { validate as service } from 'kubernetes-models/_schemas/IoK8sApiCoreV1Service';
import { validate as serviceAccount } from 'kubernetes-models/_schemas/IoK8sApiCoreV1ServiceAccount';
import { validate as ingress } from 'kubernetes-models/_schemas/IoK8sApiNetworkingV1Ingress';
import { validate as networkPolicy } from 'kubernetes-models/_schemas/IoK8sApiNetworkingV1NetworkPolicy';
import { validate as disruptionBudget } from 'kubernetes-models/_schemas/IoK8sApiPolicyV1PodDisruptionBudget';

/** The Prometheus Operator's kind is no part of Kubernetes: the fields that are used here, by its reference. */
function podMonitor({ apiVersion, kind, metadata, spec }) {
  const { selector, podMetricsEndpoints } = spec;
  const texts = [apiVersion, kind, metadata.name, ...Object.values(metadata.labels)];
  texts.push(...Object.values(selector.matchLabels));
  for (const { key, operator, values } of selector.matchExpressions) texts.push(key, operator, ...values);
  for (const { port, path, interval, relabelings } of podMetricsEndpoints) {
    texts.push(port, path, interval);
    for (const { sourceLabels, targetLabel } of relabelings) texts.push(...sourceLabels, targetLabel);
  }
  const isValid = texts.every((value) => typeof value === 'string');
  podMonitor.errors = isValid ? [] : [{ instancePath: '', keyword: 'type', params: { type: 'string' } }];
  return isValid;
}

const SCHEMAS = new Map([
  ['monitoring.coreos.com/v1 PodMonitor', podMonitor],
  ['apps/v1 Deployment', deployment],
  ['autoscaling/v2 HorizontalPodAutoscaler', autoscaler],
  ['networking.k8s.io/v1 Ingress', ingress],
  ['networking.k8s.io/v1 NetworkPolicy', networkPolicy],
  ['policy/v1 PodDisruptionBudget', disruptionBudget],
  ['v1 ConfigMap', configMap],
  ['v1 Namespace', namespace],
  ['v1 Secret', secret],
  ['v1 Service', service],
  ['v1 ServiceAccount', serviceAccount],
]);

/** The schemas let unknown fields pass, as the server does. One that no schema looks at is a mistyped one. */
function watched(value, path, unseen) {
  if (value === null || typeof value !== 'object') return value;
  const children = new Map();
  unseen.push(() =>
    Object.keys(value).flatMap((key) => (children.has(key) ? [] : [`${path}/${key} is not in the schema`])),
  );
  return new Proxy(value, {
    get(target, key) {
      if (!children.has(key)) children.set(key, watched(target[key], `${path}/${String(key)}`, unseen));
      return children.get(key);
    },
  });
}

function findings(document) {
  const kind = `${document?.apiVersion} ${document?.kind}`;
  const validate = SCHEMAS.get(kind);
  if (validate === undefined) return [`no schema for ${kind}: add it to deployment-schemas.mjs`];
  const unseen = [];
  const isValid = validate(watched(document, '', unseen));
  const broken = isValid
    ? []
    : validate.errors.map(
        ({ instancePath, keyword, params }) => `${instancePath} ${keyword} ${JSON.stringify(params)}`,
      );
  return [...broken, ...unseen.flatMap((find) => find())];
}

process.stdout.write(JSON.stringify(JSON.parse(await text(process.stdin)).map(findings)));
