/** The app: what is seen in each phase, and the frame around the views of an unlocked identity. */

import type { JSX } from "preact";
import { useEffect } from "preact/hooks";

import { Announcer, Button, hush, Notice } from "../parts/basics.js";
import { Icon, Mark, type IconName } from "../parts/icon.js";
import { Avatar } from "../parts/identity.js";
import type { Account } from "../state/account.js";
import { WithAccount, useModel } from "../state/model.js";
import { href, route, type Route, type View } from "../state/route.js";
import { useStore } from "../state/store.js";
import { codeOf, explain, t } from "../texts/index.js";
import { Activity } from "./activity.js";
import { Benchmark } from "./benchmark.js";
import { Collection } from "./collection.js";
import { Documents } from "./documents.js";
import { Front } from "./front.js";
import { Kit } from "./kit.js";
import { Link } from "./link.js";
import { Open, opened } from "./open.js";
import { People } from "./people.js";
import { PersonPage } from "./person.js";
import { Settings } from "./settings.js";
import { Sharing } from "./sharing.js";
import { Start } from "./start.js";

export function App(): JSX.Element {
  return (
    <>
      <a class="skip" href="#content" onClick={(e) => { e.preventDefault(); document.querySelector<HTMLElement>("main h1")?.focus(); }}>{t.common.skip}</a>
      <Phases />
      <Announcer />
    </>
  );
}

function Phases(): JSX.Element {
  const model = useModel();
  const at = useStore(route);
  const phase = useStore(model.phase);
  useEffect(hush, [phase.kind]); // who comes after a lock is not to find it
  switch (phase.kind) {
    case "starting":
      return <Starting />;
    case "failed":
      return <Failed error={phase.error} />;
    case "start":
      // It needs no identity, and whoever wants to know how fast this is has none yet.
      return at.view === "benchmark" ? <div class="guest"><main id="content"><Benchmark /></main></div> : <Start identities={phase.identities} locked={phase.locked} />;
    case "link":
      return <Link />;
    case "kit":
      return <Kit kit={phase.kit} account={phase.account} />;
    case "open":
      return <WithAccount value={phase.account}>{phase.account.guest ? <Guest /> : <Shell account={phase.account} />}</WithAccount>;
  }
}

function Starting(): JSX.Element {
  return <div class="starting" role="status" aria-label={t.starting.title}><Mark /><span class="spinner" aria-hidden="true" /></div>;
}

/** Nothing can be unlocked here: the module did not come, or is not the one this page was made with. */
function Failed({ error }: { error: unknown }): JSX.Element {
  const model = useModel();
  const changed = codeOf(error) === "integrity";
  return (
    <Front title={t.failed.title}>
      <Notice kind="bad">{changed ? t.failed.integrity : explain(error)}</Notice>
      {changed && <p class="soft small">{explain(error)}</p>}
      <div class="row"><Button onClick={() => { void model.start(); }}>{t.failed.retry}</Button></div>
    </Front>
  );
}

/** Where the reader of a link is: he opens documents, and nothing else. */
function Guest(): JSX.Element {
  const model = useModel();
  const found = useStore(opened);
  return (
    <div class="guest">
      <header class="front-brand"><Mark /><span>{t.brand}</span><Button kind="quiet" icon="lock" onClick={() => { void model.lock(); }}>{t.link.leave}</Button></header>
      <main id="content">{found === undefined ? <Documents /> : <Open args={[]} />}</main>
    </div>
  );
}

const tabs: readonly (readonly [view: View, icon: IconName])[] = [["documents", "documents"], ["people", "people"], ["sharing", "sharing"], ["activity", "activity"], ["settings", "settings"]];

/** Under which tab a view is. */
function tabOf(view: View): View {
  return view === "open" ? "documents" : view === "add" ? "people" : view === "benchmark" ? "settings" : view;
}

function Shell({ account }: { account: Account }): JSX.Element {
  const model = useModel();
  const at = useStore(route);
  const { name, id } = account.session.identity;
  const here = tabOf(at.view);
  return (
    <div class="shell">
      <header class="side">
        <a class="brand" href={href("documents")}><Mark /><span>{t.brand}</span></a>
        <nav aria-label={t.common.menu}>
          {tabs.map(([view, icon]) => (
            <a key={view} class="tab" href={href(view)} aria-current={view === here ? "page" : undefined}><Icon name={icon} /><span>{t.nav[view as keyof typeof t.nav]}</span></a>
          ))}
        </nav>
        <div class="me">
          <Avatar id={id} name={name} />
          <span class="cut">{name}</span>
          <button type="button" class="me-lock" onClick={() => { void model.lock(); }} title={t.nav.lock} aria-label={t.nav.lock}><Icon name="lock" /></button>
        </div>
      </header>
      <main id="content"><View at={at} /></main>
    </div>
  );
}

function View({ at }: { at: Route }): JSX.Element {
  const [first, second] = at.args;
  switch (at.view) {
    case "documents":
      return <Documents />;
    case "open":
      return <Open key={first ?? ""} args={at.args} />;
    case "people":
      return first === undefined ? <People /> : <PersonPage key={first} id={first} />;
    case "add":
      return <People add={at.args} />;
    case "sharing":
      return first === undefined ? <Sharing /> : <Collection key={first} id={first} {...(second !== undefined && { person: second })} />;
    case "activity":
      return <Activity />;
    case "settings":
      return <Settings />;
    case "benchmark":
      return <Benchmark />;
  }
}
