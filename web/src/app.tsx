/** Addresses of the client and what stands there. Each page is loaded when it is first opened. */

import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { Component, lazy, Suspense, type ReactNode } from "react";
import { I18nProvider, RouterProvider } from "react-aria-components";
import { Route, Switch, useLocation } from "wouter";
import { Refused } from "./api/problem";
import Home from "./shell/home";
import { Layout } from "./shell/layout";
import { useMe } from "./shell/session";
import { START } from "./shell/start";
import { text } from "./shell/texts";
import { language } from "./texts";
import { LinkButton } from "./ui/button";
import { Empty, ProblemNote, Skeleton } from "./ui/notes";
import { Page } from "./ui/page";

const ROUTES: readonly [path: string, page: ReturnType<typeof lazy>][] = [
  ["/journal", lazy(() => import("./journal/pages"))],
  ["/journal/:page", lazy(() => import("./journal/page"))],
  ["/journal/:page/history", lazy(() => import("./journal/history"))],
  ["/journal/:page/lessons/:lesson", lazy(() => import("./lesson/lesson"))],
  ["/gaps", lazy(() => import("./control/gaps"))],
  ["/card/:student?", lazy(() => import("./family/card"))],
  ["/timetable", lazy(() => import("./family/timetable"))],
  ["/inbox", lazy(() => import("./family/inbox"))],
  ["/groups", lazy(() => import("./control/groups"))],
  ["/groups/:group", lazy(() => import("./control/group"))],
  ["/closing", lazy(() => import("./control/closing"))],
  ["/changes", lazy(() => import("./control/changes"))],
  ["/people", lazy(() => import("./setup/people"))],
  ["/people/:person", lazy(() => import("./setup/person"))],
  ["/setup/:step?", lazy(() => import("./setup/setup"))],
  ["/account", lazy(() => import("./start/account"))],
];
const Start = lazy(() => import("./start/start"));
const Activation = lazy(() => import("./start/activation"));

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      retry: (count, error) => !(error instanceof Refused && error.problem.status < 500) && count < 3,
    },
  },
});

export function App() {
  return (
    <QueryClientProvider client={queries}>
      <I18nProvider locale={language === "en" ? "en-GB" : "ru-RU"}>
        <Routed />
      </I18nProvider>
    </QueryClientProvider>
  );
}

function Routed() {
  const [at, go] = useLocation();
  return (
    <RouterProvider navigate={go}>
      <Suspense fallback={<Skeleton />}>
        <Opened at={at} />
      </Suspense>
    </RouterProvider>
  );
}

function Opened({ at }: { at: string }) {
  const me = useMe();
  const start = useQuery(START);
  const error = me.error ?? start.error;
  if (me.data === undefined || start.data === undefined) {
    return error ? <ProblemNote error={error} again={() => location.reload()} /> : <Skeleton />;
  }
  if (me.data === null) {
    return (
      <Switch>
        <Route path="/activation" component={Activation} />
        <Route component={Start} />
      </Switch>
    );
  }
  return (
    <Layout me={me.data}>
      <Caught key={at}>
        <Suspense fallback={<Skeleton />}>
          <Switch>
            <Route path="/" component={Home} />
            {ROUTES.map(([path, Shown]) => (
              <Route key={path} path={path}>
                <Shown />
              </Route>
            ))}
            <Route component={Nowhere} />
          </Switch>
        </Suspense>
      </Caught>
    </Layout>
  );
}

function Nowhere() {
  return (
    <Page title={text.notFound}>
      <Empty title={text.notFound} action={<LinkButton to="/">{text.goHome}</LinkButton>}>
        {text.notFoundWhy}
      </Empty>
    </Page>
  );
}

/** What a page throws while it is drawn is shown in its place; going elsewhere starts anew. */
class Caught extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: undefined };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override render(): ReactNode {
    return this.state.error === undefined ? this.props.children : <ProblemNote error={this.state.error} again={() => location.reload()} />;
  }
}
