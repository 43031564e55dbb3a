/** Activity: what happens, newest first, as it happens. */

import type { ServiceEvent } from "@recrypt-service/sdk";
import type { JSX } from "preact";

import { Empty, Failure, Page, Panel } from "../parts/basics.js";
import { Icon, type IconName } from "../parts/icon.js";
import { useName } from "../parts/identity.js";
import { useAccount } from "../state/model.js";
import { href } from "../state/route.js";
import { useStore } from "../state/store.js";
import { useLoaded } from "../state/work.js";
import { momentOf, t } from "../texts/index.js";

type Kind = keyof typeof t.activity.own;

const icons: Readonly<Record<Kind, IconName>> = {
  grant: "sharing", revocation: "close", rotation: "key", opening: "open", expiry: "clock", request: "clock", veto: "close", deposit: "lock", acceptance: "check", refusal: "close", gap: "info",
};

function isKind(kind: string): kind is Kind {
  return Object.hasOwn(icons, kind);
}

/** As many grants as are read, to say whom an event is about. */
const LIMIT = 500;

export function Activity(): JSX.Element {
  const account = useAccount();
  const events = useStore(account.events);
  const silence = useStore(account.silence);
  const changes = useStore(account.changes);
  const readers = useLoaded(async (signal) => {
    const { issued } = await account.session.grants({ limit: LIMIT, signal });
    return new Map(issued.map((g) => [g.id, g.reader]));
  }, [changes]);
  return (
    <Page title={t.activity.title} lead={t.activity.lead}>
      <Failure error={silence} />
      <Panel>
        {events.length === 0 ? <Empty icon="activity">{t.activity.empty}</Empty>
          : <ol class="list events">{events.map((e) => <Event key={`${e.index} ${e.kind}`} event={e} reader={readers.value?.get(e.grant ?? "")} />)}</ol>}
      </Panel>
    </Page>
  );
}

function Event({ event, reader }: { event: ServiceEvent; reader: string | undefined }): JSX.Element {
  const account = useAccount();
  const name = useName();
  const kind = isKind(event.kind) ? event.kind : "gap";
  const own = event.owner === account.id;
  const who = own ? (reader === undefined ? (kind === "opening" && event.grant === undefined ? t.common.you : t.activity.somebody) : name(reader)) : name(event.owner);
  const words = own ? t.activity.own[kind](who) : t.activity.others[kind](who);
  return (
    <li class="item">
      <span class="item-icon"><Icon name={icons[kind]} /></span>
      {/* A request can be answered as long as its reader waits, where the collection is. */}
      <span class="item-words">{own && kind === "request" ? <a class="item-name" href={href("sharing", event.collection)}>{words}</a> : <span class="item-name">{words}</span>}</span>
      <time class="soft small numbers" dateTime={new Date(event.time).toISOString()}>{momentOf(event.time)}</time>
    </li>
  );
}
