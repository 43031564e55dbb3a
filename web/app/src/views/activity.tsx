/** Activity: what happens, newest first, as it happens. */

import type { ServiceEvent } from "@recrypt-service/sdk";
import type { JSX } from "preact";

import { Empty, Failure, Page, Panel } from "../parts/basics.js";
import { Icon, type IconName } from "../parts/icon.js";
import { useName } from "../parts/identity.js";
import { useAccount } from "../state/model.js";
import { useStore } from "../state/store.js";
import { momentOf, t } from "../texts/index.js";

type Kind = keyof typeof t.activity.kinds;

const icons: Readonly<Record<Kind, IconName>> = {
  grant: "sharing", revocation: "close", rotation: "key", opening: "open", expiry: "clock", request: "clock", veto: "close", deposit: "lock", acceptance: "check", refusal: "close", gap: "info",
};

function isKind(kind: string): kind is Kind {
  return Object.hasOwn(icons, kind);
}

export function Activity(): JSX.Element {
  const account = useAccount();
  const events = useStore(account.events);
  const silence = useStore(account.silence);
  return (
    <Page title={t.activity.title} lead={t.activity.lead}>
      <Failure error={silence} />
      <Panel>
        {events.length === 0 ? <Empty icon="activity">{t.activity.empty}</Empty> : <ol class="list events" aria-live="polite">{events.map((e) => <Event key={`${e.index} ${e.kind}`} event={e} />)}</ol>}
      </Panel>
    </Page>
  );
}

function Event({ event }: { event: ServiceEvent }): JSX.Element {
  const account = useAccount();
  const name = useName();
  const kind = isKind(event.kind) ? event.kind : undefined;
  const words = kind === undefined ? event.kind : t.activity.kinds[kind];
  return (
    <li class="item">
      <span class="item-icon"><Icon name={kind === undefined ? "info" : icons[kind]} /></span>
      <span class="item-words">
        <span class="item-name">{words.charAt(0).toUpperCase() + words.slice(1)}</span>
        {event.owner !== "" && <span class="soft small">{t.documents.collection.toLowerCase()}: {event.owner === account.id ? t.activity.ofYours : name(event.owner)}</span>}
      </span>
      <time class="soft small numbers" dateTime={new Date(event.time).toISOString()}>{momentOf(event.time)}</time>
    </li>
  );
}
